package sdk

import (
	"context"

	"github.com/aloft-cloud/aloft/internal/maven"
	"github.com/aloft-cloud/aloft/internal/sandbox/lang"
)

// javaClient is AWS's client of the Runtime API and what it needs.
var javaClient = []maven.File{
	{Path: "com/amazonaws/aws-lambda-java-runtime-interface-client/2.10.1/aws-lambda-java-runtime-interface-client-2.10.1.jar", SHA256: "b0dd01f45b7258da0e32ade0bff950b12d0cf279ccebf416ad8c3795af21f1db"},
	{Path: "com/amazonaws/aws-lambda-java-core/1.4.0/aws-lambda-java-core-1.4.0.jar", SHA256: "575c24393cc1ad645e83e618956eabd89ffe8cc09efae2cb62bc6589154d68ed"},
	{Path: "com/amazonaws/aws-lambda-java-serialization/1.4.1/aws-lambda-java-serialization-1.4.1.jar", SHA256: "0ab04580117a1a326c7abea912331c77bec1292ce0c22285eb2d40563145dd9b"},
	{Path: "software/amazon/awssdk/utils-lite/2.34.0/utils-lite-2.34.0.jar", SHA256: "efaf784f07ae526f0b5c89d71ef21cf16636131c47d44616e3df9bedc3f4f89a"},
}

// jars fetches files into a directory, and takes them only as we know them.
func jars(files []maven.File) func(context.Context, lang.Language, string) error {
	return func(ctx context.Context, _ lang.Language, dir string) error {
		for _, f := range files {
			if err := f.Fetch(ctx, dir); err != nil {
				return err
			}
		}
		return nil
	}
}
