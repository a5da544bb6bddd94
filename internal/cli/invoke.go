package cli

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/api/lambda"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

func invokeCommand(s *settings) *cobra.Command {
	var data, qualifier string
	var tail bool
	cmd := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Call a function with a JSON event, and print what it answers",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			payload, err := payloadOf(data, cmd.InOrStdin())
			if err != nil {
				return err
			}
			in := &lambda.InvokeInput{FunctionName: args[0], Payload: payload}
			if qualifier != "" {
				in.Qualifier = &qualifier
			}
			if tail {
				in.LogType = new(lambda.LogTypeTail)
			}
			out, err := client.Do(cmd.Context(), newClient(s, s.get("endpoint")), lambda.Invoke, in)
			if err != nil {
				return err
			}
			if tail {
				log, err := base64.StdEncoding.DecodeString(aws.Value(out.LogResult))
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%s", log)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s\n", out.Payload)
			if out.FunctionError != nil {
				return fmt.Errorf("the function failed: %s", *out.FunctionError)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&data, "data-json", "d", "{}", "the event; @FILE reads it from a file, - from standard input")
	cmd.Flags().StringVarP(&qualifier, "qualifier", "q", "", "version or alias")
	cmd.Flags().BoolVarP(&tail, "tail", "t", false, "show the end of the log on standard error")
	return cmd
}

// payloadOf returns the event that data is or names.
func payloadOf(data string, stdin io.Reader) ([]byte, error) {
	switch {
	case data == "-":
		return io.ReadAll(stdin)
	case len(data) > 1 && data[0] == '@':
		return os.ReadFile(data[1:])
	}
	return []byte(data), nil
}
