"""Addresses, routes and rules: what a host has, what a MASTER adds, the virtual MAC."""
