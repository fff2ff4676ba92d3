"""Bytes of one file become plain, frozen, cacheable facts."""
