package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
)

func logsCommand(s *settings) *cobra.Command {
	var follow bool
	var since time.Duration
	var filter string
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what a function, or a log group, wrote",
		Long:  "Show what a function wrote, oldest first. A NAME with a slash is a log group.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			group := args[0]
			if !strings.Contains(group, "/") {
				group = "/aws/lambda/" + group
			}
			l := &logReader{client: newClient(s, s.get("endpoint")), group: group, since: time.Now().Add(-since)}
			if filter != "" {
				l.filter = &filter
			}
			return l.print(cmd.Context(), cmd.OutOrStdout(), follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as more is written")
	cmd.Flags().DurationVar(&since, "since", time.Hour, "how far to look back")
	cmd.Flags().StringVar(&filter, "filter", "", "a filter pattern of CloudWatch Logs, such as ERROR or '{ $.level = \"warn\" }'")
	return cmd
}

// A logReader reads the events of a log group, each once.
type logReader struct {
	client *client.Client
	group  string
	filter *string
	since  time.Time
	seen   map[string]bool // ids of events at and after since
}

func (l *logReader) print(ctx context.Context, out io.Writer, follow bool) error {
	for {
		err := l.next(ctx, func(e api.FilteredLogEvent) {
			at := time.UnixMilli(aws.Value(e.Timestamp)).Format("15:04:05.000")
			fmt.Fprintf(out, "%s  %s\n", at, strings.TrimRight(aws.Value(e.Message), "\n"))
		})
		if follow && errors.Is(err, api.ResourceNotFoundException) {
			err = nil // it will be made by its first event
		}
		if err != nil || !follow {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// next shows the events that were not shown yet. Events of one millisecond may
// come in two turns, so those of the last are remembered by id.
func (l *logReader) next(ctx context.Context, show func(api.FilteredLogEvent)) error {
	from := l.since.UnixMilli()
	latest, seen := from, make(map[string]bool)
	in := &api.FilterLogEventsInput{LogGroupName: &l.group, FilterPattern: l.filter, StartTime: &from}
	for {
		out, err := client.Do(ctx, l.client, api.FilterLogEvents, in)
		if err != nil {
			return err
		}
		for _, e := range out.Events {
			id, at := aws.Value(e.EventId), aws.Value(e.Timestamp)
			seen[id] = true
			latest = max(latest, at)
			if !l.seen[id] {
				show(e)
			}
		}
		if out.NextToken == nil {
			break
		}
		in.NextToken = out.NextToken
	}
	// Events come in late by a little, from other workers.
	l.since, l.seen = time.UnixMilli(max(from, latest-5000)), seen
	return nil
}
