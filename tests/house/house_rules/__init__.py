"""The house rules as plain functions that take parsed source files and return findings.

The tests next to this package run every rule twice: on `src/regard`, where it must find nothing, and on small planted
sources, where it must find the planted violation.
"""
