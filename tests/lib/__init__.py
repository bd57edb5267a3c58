"""What the tests that run real programs share: namespaces, gateways, peers, captures."""
