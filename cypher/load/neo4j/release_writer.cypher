// purpose: leave nothing of the only writer behind: in the transaction that took it
// parameters: none
// columns: none
MATCH (w:Writer {id: 'writer'}) DELETE w
