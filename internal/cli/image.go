package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aloft-cloud/aloft/internal/api/ecr"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"
	"github.com/aloft-cloud/aloft/internal/pack"
	"github.com/aloft-cloud/aloft/internal/sandbox/image"
)

func imageCommand(s *settings) *cobra.Command {
	cmd := &cobra.Command{Use: "image", Short: "Container images for functions"}
	cmd.AddCommand(&cobra.Command{
		Use:   "load FILE NAME[:TAG]",
		Short: "Load an image from an OCI layout (directory or tar file) or what `docker save` wrote",
		Long: "Loads an image into the registry of Aloft, and prints its URI: the ImageUri of functions.\n" +
			"FILE is an OCI layout, a tar file of one, or what `docker save` writes. With a docker at hand,\n" +
			"`docker push` to the URI of a repository of ECR does the same.",
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := s.load(); err != nil {
				return err
			}
			uri, err := loadImage(cmd.Context(), newClient(s, s.get("endpoint")), args[0], args[1])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), uri)
			return err
		},
	})
	return cmd
}

// loadImage pushes an image of an archive to a repository, which is made if
// there is none, and returns its URI.
func loadImage(ctx context.Context, c *client.Client, file, nameAndTag string) (string, error) {
	name, tag, ok := strings.Cut(nameAndTag, ":")
	if !ok {
		tag = "latest"
	}
	pushed, err := (&registry{c}).push(ctx, file, nameAndTag, name, func(string) string { return tag })
	return pushed.Repository + ":" + pushed.Tag, err
}

// A registry is that of a client's account and region.
type registry struct{ client *client.Client }

// Push implements pack.Images.
func (r *registry) Push(ctx context.Context, file, repository string, tag func(digest string) string) (pack.Pushed, error) {
	return r.push(ctx, file, "", repository, tag)
}

// push pushes the image of an archive that is called asked there, or the only one.
func (r *registry) push(ctx context.Context, file, asked, repository string, tag func(digest string) string) (pushed pack.Pushed, err error) {
	if pushed.Repository, err = findRepository(ctx, r.client, repository); err != nil {
		return pushed, err
	}
	auth, err := client.Do(ctx, r.client, ecr.GetAuthorizationToken, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return pushed, err
	}
	token := aws.Value(auth.AuthorizationData[0].AuthorizationToken)
	pushed.Digest, err = pushImage(ctx, file, asked, r.client.Endpoint()+"/v2/"+repository, token, func(digest string) string {
		pushed.Tag = tag(digest)
		return pushed.Tag
	})
	return pushed, err
}

// pushImage pushes the image of an archive that is called asked there, or the
// only one, to the repository at base.
func pushImage(ctx context.Context, file, asked, base, token string, tag func(digest string) string) (digest string, err error) {
	a, err := image.OpenArchive(file)
	if err != nil {
		return "", err
	}
	defer a.Close()
	if digest, err = a.Manifest(asked); err != nil {
		return "", err
	}
	return digest, (&pusher{archive: a, base: base, token: token}).manifest(ctx, digest, tag(digest))
}

// findRepository returns the URI of a repository, which is made if there is none.
func findRepository(ctx context.Context, c *client.Client, name string) (string, error) {
	made, err := client.Do(ctx, c, ecr.CreateRepository, &ecr.CreateRepositoryInput{RepositoryName: name})
	if err == nil {
		return aws.Value(made.Repository.RepositoryUri), nil
	}
	if refusal, ok := errors.AsType[*aws.Error](err); !ok || refusal.Code != ecr.RepositoryAlreadyExistsException.Code {
		return "", err
	}
	out, err := client.Do(ctx, c, ecr.DescribeRepositories, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return "", err
	}
	return aws.Value(out.Repositories[0].RepositoryUri), nil
}

// A pusher pushes an image to a registry.
type pusher struct {
	archive *image.Archive
	base    string // URL of the repository
	token   string // of Basic authentication
}

// manifest pushes a manifest after all that it names.
func (p *pusher) manifest(ctx context.Context, digest, reference string) error {
	body, err := p.archive.Read(digest)
	if err != nil {
		return err
	}
	m, err := image.ParseManifest(body)
	if err != nil {
		return err
	}
	for _, d := range m.Manifests {
		if err := p.manifest(ctx, d.Digest, d.Digest); err != nil {
			return err
		}
	}
	if !m.IsIndex() {
		for _, d := range m.Parts() {
			if err := p.blob(ctx, d); err != nil {
				return fmt.Errorf("layer %s: %w", d.Digest, err)
			}
		}
	}
	_, err = p.send(ctx, http.MethodPut, p.base+"/manifests/"+reference, m.Type(), strings.NewReader(string(body)), int64(len(body)), http.StatusCreated)
	return err
}

// blob pushes a layer that the registry does not have.
func (p *pusher) blob(ctx context.Context, d image.Descriptor) error {
	at := p.base + "/blobs/"
	if _, err := p.send(ctx, http.MethodHead, at+d.Digest, "", nil, 0, http.StatusOK); err == nil {
		return nil
	}
	r, err := p.archive.Open(d.Digest)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = p.send(ctx, http.MethodPost, at+"uploads/?digest="+url.QueryEscape(d.Digest), "application/octet-stream", r, d.Size, http.StatusCreated)
	return err
}

// send makes a request, whose answer must have that status.
func (p *pusher) send(ctx context.Context, method, at, contentType string, body io.Reader, size int64, want int) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	r.ContentLength = size
	r.Header.Set("Authorization", "Basic "+p.token)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) // it is only told
	if resp.StatusCode == want {
		return resp, nil
	}
	var refusal struct {
		Errors []struct{ Code, Message string }
	}
	if json.Unmarshal(answer, &refusal) == nil && len(refusal.Errors) > 0 {
		return nil, fmt.Errorf("%s: %s", refusal.Errors[0].Code, refusal.Errors[0].Message)
	}
	return nil, fmt.Errorf("%s %s: %s", method, at, resp.Status)
}
