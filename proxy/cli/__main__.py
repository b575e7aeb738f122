"""Let `python -m proxy.cli` be the command line: for services, which name an interpreter and no script."""

from proxy.cli import main

if __name__ == "__main__":
    main(prog_name="seawall")
