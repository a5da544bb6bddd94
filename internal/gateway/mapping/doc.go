// Package mapping holds what API Gateway's mapping templates speak of besides
// their language: $input and $util, and the paths into JSON that $input takes.
package mapping
