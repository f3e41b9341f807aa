"""Sanctions screening: lists with versions, canonical addresses, an index to look them up."""
