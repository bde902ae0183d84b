"""The rings of tests, from the cheapest to the dearest: unit sim lab interop notebooks browser."""
