// Command aloft is the serverless cloud in one binary.
package main

import "github.com/aloft-cloud/aloft/internal/cli"

func main() { cli.Main() }
