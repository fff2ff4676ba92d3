"""The compliance report: snapshots of runs, their history, and the pages made of them."""
