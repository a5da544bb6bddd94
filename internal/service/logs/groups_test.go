package logs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/aloft-cloud/aloft/internal/api/logs"
)

func TestGroups(t *testing.T) {
	f := newFixture(t)
	names := []string{"/aws/lambda/a", "/aws/lambda/a.b", "/aws/lambda/b", "App", "app", "app-2"}
	for _, name := range names {
		must(f, f.CreateLogGroup, &api.CreateLogGroupInput{LogGroupName: name, Tags: map[string]string{"k": name}})
	}
	slices.Sort(names)
	refuse(f, f.CreateLogGroup, &api.CreateLogGroupInput{LogGroupName: "app"}, "ResourceAlreadyExistsException: The specified log group already exists")
	list := func(in api.DescribeLogGroupsInput) (found []string) {
		for {
			out := must(f, f.DescribeLogGroups, &in)
			for _, g := range out.LogGroups {
				found = append(found, *g.LogGroupName)
			}
			if out.NextToken == nil {
				return found
			}
			in.NextToken = out.NextToken
		}
	}
	for _, limit := range []int32{1, 2, 50} {
		checkTexts(t, "all", list(api.DescribeLogGroupsInput{Limit: &limit}), names)
		checkTexts(t, "prefix", list(api.DescribeLogGroupsInput{Limit: &limit, LogGroupNamePrefix: new("app")}), []string{"app", "app-2"})
		checkTexts(t, "prefix", list(api.DescribeLogGroupsInput{Limit: &limit, LogGroupNamePrefix: new("/aws/lambda/a")}), names[:2])
		checkTexts(t, "pattern", list(api.DescribeLogGroupsInput{Limit: &limit, LogGroupNamePattern: new("APP")}), []string{"App", "app", "app-2"})
	}
	refuse(f, f.DescribeLogGroups, &api.DescribeLogGroupsInput{LogGroupNamePrefix: new("a"), LogGroupNamePattern: new("b")},
		"InvalidParameterException: LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")

	must(f, f.PutLogGroupDeletionProtection, &api.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: "arn:aws:logs:eu-central-1:000000000000:log-group:app:*", DeletionProtectionEnabled: true})
	refuse(f, f.DeleteLogGroup, &api.DeleteLogGroupInput{LogGroupName: "app"}, "ValidationException: The specified log group is protected from deletion.")
	must(f, f.DeleteLogGroup, &api.DeleteLogGroupInput{LogGroupName: "App"})
	refuse(f, f.DeleteLogGroup, &api.DeleteLogGroupInput{LogGroupName: "App"}, "ResourceNotFoundException: The specified log group does not exist.")
}

// A group that is made again has nothing of the one before.
func TestDeleteGroup(t *testing.T) {
	f := newFixture(t)
	f.group("s")
	f.put("s", at(time.Now(), "old"))
	must(f, f.DeleteLogGroup, &api.DeleteLogGroupInput{LogGroupName: "g"})
	refuse(f, f.FilterLogEvents, &api.FilterLogEventsInput{LogGroupName: new("g")}, "ResourceNotFoundException: The specified log group does not exist.")
	f.group("s", "s2")
	checkTexts(t, "again", f.readStream("s", 10, true), nil)
	f.put("s", at(time.Now(), "new"))
	f.put("s2", at(time.Now(), "other"))
	must(f, f.DeleteLogStream, &api.DeleteLogStreamInput{LogGroupName: "g", LogStreamName: "s"})
	checkTexts(t, "others", f.readGroup(&api.FilterLogEventsInput{}), []string{"other"})
}

func TestStreams(t *testing.T) {
	f := newFixture(t)
	var names []string
	for i := range 7 {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	f.group(names...)
	refuse(f, f.CreateLogStream, &api.CreateLogStreamInput{LogGroupName: "g", LogStreamName: "s1"}, "ResourceAlreadyExistsException: The specified log stream already exists")
	now := time.Now()
	for i, name := range []string{"s3", "s1", "s5"} {
		f.put(name, at(now.Add(time.Duration(i)*time.Second), "x"))
	}
	list := func(in api.DescribeLogStreamsInput) (found []string) {
		in.LogGroupName = new("g")
		for {
			out := must(f, f.DescribeLogStreams, &in)
			for _, s := range out.LogStreams {
				found = append(found, *s.LogStreamName)
			}
			if out.NextToken == nil {
				return found
			}
			in.NextToken = out.NextToken
		}
	}
	for _, limit := range []int32{1, 3, 50} {
		checkTexts(t, "by name", list(api.DescribeLogStreamsInput{Limit: &limit}), names)
		checkTexts(t, "by name, descending", list(api.DescribeLogStreamsInput{Limit: &limit, Descending: new(true)}), []string{"s6", "s5", "s4", "s3", "s2", "s1", "s0"})
		checkTexts(t, "by time", list(api.DescribeLogStreamsInput{Limit: &limit, OrderBy: new("LastEventTime"), Descending: new(true)}),
			[]string{"s5", "s1", "s3", "s6", "s4", "s2", "s0"})
	}
	out := must(f, f.DescribeLogStreams, &api.DescribeLogStreamsInput{LogGroupIdentifier: new("g"), LogStreamNamePrefix: new("s3")})
	st := out.LogStreams[0]
	if len(out.LogStreams) != 1 || *st.FirstEventTimestamp != now.UnixMilli() || *st.LastEventTimestamp != now.UnixMilli() ||
		*st.Arn != "arn:aws:logs:eu-central-1:000000000000:log-group:g:log-stream:s3" || len(*st.UploadSequenceToken) != 56 {
		t.Errorf("got %+v", st)
	}
}

func TestTags(t *testing.T) {
	f := newFixture(t)
	f.group()
	const arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g"
	must(f, f.TagResource, &api.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	must(f, f.TagLogGroup, &api.TagLogGroupInput{LogGroupName: "g", Tags: map[string]string{"b": "3", "c": "4"}})
	must(f, f.UntagResource, &api.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}})
	if got := must(f, f.ListTagsForResource, &api.ListTagsForResourceInput{ResourceArn: arn}).Tags; fmt.Sprint(got) != "map[b:3 c:4]" {
		t.Errorf("tags %v", got)
	}
	must(f, f.UntagLogGroup, &api.UntagLogGroupInput{LogGroupName: "g", Tags: []string{"b"}})
	if got := must(f, f.ListTagsLogGroup, &api.ListTagsLogGroupInput{LogGroupName: "g"}).Tags; fmt.Sprint(got) != "map[c:4]" {
		t.Errorf("tags %v", got)
	}
	many := make(map[string]string)
	for i := range 50 {
		many[strings.Repeat("k", i+1)] = ""
	}
	refuse(f, f.TagResource, &api.TagResourceInput{ResourceArn: arn, Tags: many}, "TooManyTagsException: A resource can have no more than 50 tags.")
}
