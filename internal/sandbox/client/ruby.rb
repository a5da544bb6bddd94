# frozen_string_literal: true

# The Runtime API client for Ruby. It asks which function it is, loads it, and
# answers one event after the other on one connection.
require 'json'
require 'socket'

API = '/2018-06-01/runtime/'
NEXT = "GET #{API}invocation/next HTTP/1.1\r\nHost: aloft\r\n\r\n"
FUNCTION = "GET /aloft/function HTTP/1.1\r\nHost: aloft\r\n\r\n"

# A Fault is an error as the caller of the function gets it.
class Fault
  def initialize(phase, error)
    @type = "#{phase}<#{error.class.name}>"
    own = [__FILE__]
    trace = (error.backtrace || []).reject { |line| own.any? { |file| line.start_with?(file) } }
    @document = JSON.generate('errorMessage' => utf8(error.message), 'errorType' => @type, 'stackTrace' => trace.map { |l| utf8(l) })
  end
  attr_reader :type, :document

  private

  def utf8(text) = text.dup.force_encoding('UTF-8').scrub
end

# LambdaContext tells a function about an event.
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name, :memory_limit_in_mb, :function_version, :identity, :client_context, :tenant_id, :deadline_ms

  def initialize(headers)
    @aws_request_id = headers['lambda-runtime-aws-request-id']
    @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
    @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    @identity = parse(headers['lambda-runtime-cognito-identity'])
    @tenant_id = headers['lambda-runtime-aws-tenant-id']
    @client_context = parse(headers['lambda-runtime-client-context'])
  end

  def get_remaining_time_in_millis = [@deadline_ms - (Time.now.to_f * 1000).to_i, 0].max

  def log(message) = puts(message)

  private

  def parse(text) = text && JSON.parse(text)
end

# A Connection reads answers of the Runtime API.
class Connection
  def initialize(address)
    host, port = address.split(':')
    @socket = TCPSocket.new(host, port.to_i)
    @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
  end

  def send(bytes) = @socket.write(bytes)

  def read
    headers = {}
    line = @socket.gets("\r\n") or exit!(0)
    while (line = @socket.gets("\r\n")) && line != "\r\n"
      name, value = line.chomp("\r\n").split(':', 2)
      headers[name.downcase] = value.strip
    end
    body = @socket.read(headers.fetch('content-length', 0).to_i) or exit!(0)
    [headers, body.force_encoding('UTF-8')]
  end

  def post(path, body, type = nil, content_type = 'application/json')
    extra = type ? "Lambda-Runtime-Function-Error-Type: #{type.gsub(/[^ -~]/, '')}\r\n" : ''
    "POST #{API}#{path} HTTP/1.1\r\nHost: aloft\r\nContent-Type: #{content_type}\r\n#{extra}Content-Length: #{body.bytesize}\r\n\r\n".b << body.b
  end
end

# load_handler returns what to call for each event.
def load_handler(name)
  parts = name.split('.')
  file, target, method = parts.length == 3 ? parts : [parts[0], nil, parts[1]]
  unless [2, 3].include?(parts.length)
    raise ArgumentError, "Invalid handler #{name}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional module/class namespace and METHOD is a callable method. If using CLASS, METHOD must be a class-level method."
  end
  require file
  receiver = target ? Kernel.const_get(target) : self
  ->(event, context) { receiver.__send__(method, event: event, context: context) }
end

# become makes this process a worker of a function, and returns its handler.
def become(job)
  ENV.update(job['env'])
  Dir.chdir(job['task'])
  version = RbConfig::CONFIG['ruby_version']
  gems = [version, job['version']].uniq.flat_map { |v| ["#{job['task']}/vendor/bundle/ruby/#{v}", "#{job['opt']}/ruby/gems/#{v}"] }
  ENV['GEM_PATH'] ||= gems.join(':')
  Gem.paths = { 'GEM_PATH' => "#{ENV.fetch('GEM_PATH')}:#{Gem.default_path.join(':')}" }
  $LOAD_PATH.unshift(job['task'], "#{job['opt']}/ruby/lib")
  load_handler(job['handler'])
end

def log_error(message, fault)
  puts message
  puts fault.document
end

# answer is what to send for an event.
def answer(connection, handler, headers, body)
  id = headers['lambda-runtime-aws-request-id']
  if (trace = headers['lambda-runtime-trace-id'])
    ENV['_X_AMZN_TRACE_ID'] = trace
  else
    ENV.delete('_X_AMZN_TRACE_ID')
  end
  result = handler.call(JSON.parse(body), LambdaContext.new(headers))
  if result.respond_to?(:read) # a StringIO is sent as it is
    connection.post("invocation/#{id}/response", result.read, nil, 'application/unknown')
  else
    connection.post("invocation/#{id}/response", result.to_json)
  end
rescue NoMemoryError, SystemExit, Interrupt
  raise
rescue Exception => e # rubocop:disable Lint/RescueException
  fault = Fault.new('Function', e)
  log_error('Error raised from handler method', fault)
  connection.post("invocation/#{id}/error", fault.document, fault.type)
end

def serve(connection)
  if (events = ENV.delete('ALOFT_TRAIN').to_i).positive?
    %w[time net/http openssl securerandom digest base64 set uri logger date].each { |name| require name rescue LoadError }
    events.times do
      connection.send(NEXT)
      headers, body = connection.read
      connection.send(answer(connection, ->(e, _) { e }, headers, body))
      connection.read
    end
  end
  %w[ALOFT_STUB ALOFT_SDK ALOFT_LEAD].each { |name| ENV.delete(name) }
  connection.send(FUNCTION)
  headers, body = connection.read until headers && headers['content-type'] == 'application/vnd.aloft.function'
  begin
    handler = become(JSON.parse(body))
  rescue Exception => e # rubocop:disable Lint/RescueException
    fault = Fault.new('Init', e)
    log_error("Init error when loading handler #{JSON.parse(body)['handler']}", fault)
    connection.send(connection.post('init/error', fault.document, fault.type))
    connection.read
    exit!(1)
  end
  connection.send(NEXT)
  loop do
    headers, body = connection.read
    next unless headers.key?('lambda-runtime-aws-request-id')

    connection.send(answer(connection, handler, headers, body) << NEXT)
  end
end

$stdout.sync = true
$stderr.sync = true
serve(Connection.new(ENV.fetch('AWS_LAMBDA_RUNTIME_API')))
