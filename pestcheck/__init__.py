"""Find agricultural pest contamination on containers, conveyances and wood packaging."""

__version__ = "0.6.0"
