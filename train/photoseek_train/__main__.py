"""``python -m photoseek_train``, and ``accelerate launch -m photoseek_train``."""

from photoseek_train.cli.app import main

if __name__ == "__main__":
    main()
