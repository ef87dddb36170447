"""The rules of the house as plain functions: a tree of source files in, a list of findings out.

The tests beside this package run every rule twice: on `src/regard`, where nothing may be found, and on
small planted trees, where the planted mistake must be found.
"""
