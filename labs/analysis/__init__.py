"""Who held the address and why then: pure functions of facts."""
