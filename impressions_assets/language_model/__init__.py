"""Asking a language model, at any endpoint that speaks as OpenAI's, and each thing only once."""
