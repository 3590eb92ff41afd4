"""The charts as SVG: Altair says what is drawn, vl-convert draws it; no network, no browser, no fonts of its own."""
