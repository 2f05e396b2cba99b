"""What each operation that torch.export knows means as source nodes, one family a file."""
