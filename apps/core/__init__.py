"""Floor 0: ledger, commands, live push, clock, rights, admin base. No factory words live here."""
