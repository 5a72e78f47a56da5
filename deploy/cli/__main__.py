"""`python -m deploy.cli`: the same as `kinebus`."""

from deploy.cli.app import main

main()
