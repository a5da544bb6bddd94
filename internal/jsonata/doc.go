// Package jsonata is the JSONata query language, version 2, over trees that
// keep the order of members and the digits of numbers.
package jsonata
