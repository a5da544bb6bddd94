# Shortcuts alone: each is one line of go, or of what it names.
BOTOCORE = botocore==1.43.117

.PHONY: check test race bench gen run

check: ; gofmt -l . && go vet ./... && go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
test:  ; go test ./...
race:  ; go test -race ./...
bench: ; go run ./bench
run:   ; go run ./cmd/aloft dev examples/todo
gen:   ; python3 -m pip download -q --no-deps -d .cache $(BOTOCORE) && go run ./internal/gen
