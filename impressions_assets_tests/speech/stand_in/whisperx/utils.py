"""The languages of the stand-in."""

LANGUAGES = {"en": "english", "de": "german", "pt": "portuguese"}
