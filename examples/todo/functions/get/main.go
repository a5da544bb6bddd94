// Command get is the function behind one action of the to-do list.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"example.com/todo/internal/cloud"
	"example.com/todo/internal/handler"
	"example.com/todo/internal/todo"
)

func main() {
	list := todo.NewList(cloud.NewTable())
	lambda.Start(handler.Get(list))
}
