"""`python -m tools.explorers`: make the explorers' files into `_build/living`."""

from tools.config import ROOT
from tools.explorers import make

if __name__ == "__main__":
    print(make(ROOT / "_build"))
