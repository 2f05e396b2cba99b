"""From a source to linear nodes and firing stages: batch norm folded, constants gathered, max pools moved."""
