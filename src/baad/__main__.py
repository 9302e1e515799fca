"""python -m baad"""

from baad.cli.app import main

if __name__ == "__main__":
    main()
