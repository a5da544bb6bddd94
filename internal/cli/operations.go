package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/platform"
)

func operationsCommand() *cobra.Command {
	var missing bool
	cmd := &cobra.Command{
		Use:   "operations [SERVICE]",
		Short: "List what is answered, and what an answer still lacks",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			services, err := platform.Services()
			if err != nil {
				return err
			}
			for _, def := range services {
				if len(args) == 1 && args[0] != def.API.Name {
					continue
				}
				answered := make(map[string]string)
				for _, op := range def.Operations {
					answered[op.Name] = op.Note
				}
				fmt.Fprintf(w, "%s\t%d of %d operations\n", def.API.Name, len(answered), len(def.API.Operations))
				for _, op := range def.API.Operations {
					note, ok := answered[op.Name]
					if ok != missing {
						fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %s\t%s", op.Name, note), "\t"))
					}
				}
			}
			if !missing && (len(args) == 0 || args[0] == "cloudformation") {
				if err := listTypes(w); err != nil {
					return err
				}
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&missing, "missing", false, "list what is not answered instead")
	return cmd
}

// listTypes lists the types of resources that templates may have, and what they lack.
func listTypes(w io.Writer) error {
	types, err := platform.Types()
	if err != nil {
		return err
	}
	records := 0
	for _, typ := range types {
		if typ.Record {
			records++
		}
	}
	fmt.Fprintf(w, "resource types\t%d, of which %d are records\n", len(types), records)
	for _, name := range sortedKeys(types) {
		fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %s\t%s", name, types[name].Note), "\t"))
	}
	return nil
}
