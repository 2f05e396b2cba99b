"""What a candidate is judged by: accuracy, energy and memory without faults, accuracies under them."""
