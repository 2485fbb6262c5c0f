// purpose: become the only writer: another one's transaction waits here until this one ends
// parameters: none
// columns: none
CREATE (:Writer {id: 'writer'})
