"""Language models, one module or package a backend."""
