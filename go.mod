module github.com/aloft-cloud/aloft

go 1.26.0
