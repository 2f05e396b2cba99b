"""From a source to graded nodes and firing stages: batch norm folded, constants gathered, max pools moved."""
