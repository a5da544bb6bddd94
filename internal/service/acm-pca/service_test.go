package acmpca_test

import (
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

func TestScripts(t *testing.T) { platformtest.Run(t, "testdata") }
