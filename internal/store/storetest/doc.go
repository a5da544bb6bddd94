// Package storetest says what a store promises, as tests of any store.
//
// Its heart is a checker of strict serialisability in the manner of Elle:
// clients append to lists and insert into sets in transactions of a few
// steps, and what they saw must fit into one order that agrees with the clock.
// Lists tell the order of writes, reads of lists and scans of sets tell who
// saw whom, and a cycle among them is a promise broken.
package storetest
