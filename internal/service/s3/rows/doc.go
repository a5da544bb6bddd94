// Package rows reads the records of objects, and writes those of answers, for
// S3 Select: CSV, and JSON in lines or documents. It reads in constant memory:
// of what it has read it keeps one record, which may be a megabyte, so a
// document of any size can be walked along a path to the records in it.
//
//	csv.go     cells with delimiters, quotes and comments
//	json.go    values, and those at the end of a path
//	write.go   records to bytes
//	unpack.go  gzip and bzip2
package rows
