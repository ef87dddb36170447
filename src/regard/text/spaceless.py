"""The scripts that do not separate words by spaces, as ranges of characters for regular expressions."""

_SOUTHEAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao; Burmese; Khmer
_TIBETAN = "\u0f00-\u0fff"  # it separates sentences by spaces
_CHINESE_JAPANESE = "\u3040-\u312f\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
_WIDE_PUNCTUATION = "\u3001-\u303f\uff01-\uff65"
SPACELESS_LETTERS = _SOUTHEAST_ASIAN + _TIBETAN + _CHINESE_JAPANESE
"""Ranges of the letters of scripts that do not separate words, for use within brackets."""
UNSPACED_SENTENCES = _SOUTHEAST_ASIAN + _CHINESE_JAPANESE + _WIDE_PUNCTUATION
"""Ranges of the letters and the punctuation of scripts whose sentences may follow each other without a space, for use
within brackets; Chinese and Japanese share their punctuation, also in full width."""
