"""Mends what rules find: fixers propose new texts, and only what is proven sound is written."""
