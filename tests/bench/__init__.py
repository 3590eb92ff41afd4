"""What an audit costs, measured on made-up deliveries of any size beside a floor and two scripts: make bench."""
