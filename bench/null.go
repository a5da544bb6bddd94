package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// nullServer answers every request with as many bytes as its header asks for:
// the most that any server on net/http can do. It prints its address.
func nullServer() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	answers := map[string][]byte{
		"PutItem": []byte("{}"),
		"GetItem": []byte(`{"Item":{"pk":{"S":"key-00000000"},"sk":{"S":"a"},"text":{"S":"` + filler + `"},"n":{"N":"42"}}}`),
		"GET":     make([]byte, large),
		"4KB":     make([]byte, small),
	}
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // what the client lost, it does not count
		answer, ok := answers[r.Header.Get("X-Null-Answer")]
		if !ok {
			answer = answers["PutItem"]
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amzn-Requestid", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		w.Write(answer)
	}))
}
