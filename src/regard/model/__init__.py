"""Encoders and decoders that attend, behind one step interface."""
