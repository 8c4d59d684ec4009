"""``python -m photoseek``: the command line."""

from photoseek.cli.app import main

if __name__ == "__main__":
    main()
