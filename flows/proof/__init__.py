"""The proof that goes with the exports: nobody who sees them all can work out a masked count."""
