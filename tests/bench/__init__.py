"""What the product costs, measured: each bench is a module with a `main()`, and its bars stand in that module.

    make bench B=live_push      # from COMMIT of a change to the fragment at 200 and 500 screens; lost ones; CPU
    make bench B=confirm        # one booking as a command, against the same rows by bare SQL
    make bench B=erp_import     # 10,000 orders of an ERP over the API, and the same again; against bare COPY
    make bench B=outbox         # what was booked on its way to an ERP that answers in 5 ms: rate, lag, order
    make bench B=escalation_load  # 10,000 open exceptions, 1,000 of their timers due at one instant
    make bench B=raise_to_screen  # from the cause to its owner's own screen
    make bench B=start          # `make up` again, until the first page
    make bench                  # all of them, one after another

A bench starts a product of its own in a folder under /tmp, as `make up` does: an embedded PostgreSQL with fsync, one
daphne, one worker, the demo plant, a free port, loopback only.  It never touches the checkout's own database.  Beside
the product runs a baseline (the least that could do the same), in alternation and at least five times; both medians and
their ratio are printed, with the load of the machine before.  Where other work shares the cores, believe the ratios.

The last line of each is for machines: {"bench": name, "figures": {key: number, ...}}.
"""

import os

# tests.environment would start the tests' cluster on import; a bench has its own.
os.environ.setdefault("MFGOS_TEST_DATABASE_URL", "postgresql:///a-bench-starts-its-own")
