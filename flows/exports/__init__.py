"""What leaves: every format of a release, made from the same released tables under the same mask."""
