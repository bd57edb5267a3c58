"""Shared by the tests that run real programs: namespaces, gateways, peers, captures."""
