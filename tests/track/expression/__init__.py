"""Tests; trial finds them through this file."""
