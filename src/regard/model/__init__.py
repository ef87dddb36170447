"""Encoders and decoders of translation models, recurrent and Transformer, which can decode step by step."""
