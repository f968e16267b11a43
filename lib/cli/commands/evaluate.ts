/** beit evaluate: how well a classifier does on labelled images. */
import { labelled } from '../../data/labels.js'
import { openImages } from '../../data/open_images.js'
import { invalidArgument } from '../../errors.js'
import type { ClassificationEvaluation } from '../../evaluate/classification_evaluation.js'
import { evaluate } from '../../evaluate/evaluate.js'
import {
  type EvaluateOptions,
  type EvaluationProgress,
  evaluateSchema,
  scoringSchema,
} from '../../evaluate/evaluate_options.js'
import { preprocessingSchema } from '../../evaluate/preprocessing_options.js'
import { evaluationTable } from '../../log/evaluation_table.js'
import { grouped } from '../../log/format.js'
import { print, printJson } from '../../log/printable.js'
import { drawConfusion } from '../../visualize/confusion_matrix.js'
import { type Call, type Command, EXIT } from '../command.js'
import { shown } from '../follow.js'
import { omit, PATHS, pick, pickValues } from '../groups.js'
import { Interrupt } from '../interrupt.js'
import { LABELLED_DATA_FLAGS } from '../labelled_data.js'
import { CLASSIFIER_FLAGS, openClassifier } from '../open_classifier.js'
import { prepareOutputs, writeJson } from '../output_file.js'
import { StatusLine } from '../status_line.js'
import { tellLeftOut } from '../tell.js'

export const evaluateCommand: Command = {
  name: 'evaluate',
  summary: 'Measures a classifier on labelled images: accuracy, loss, each class, confusions',
  usage: '--model PATH --data PATH [flags]',
  about:
    'Images are resized, cropped and normalised as the model was trained to see them; the flags under Images say ' +
    'otherwise. Labels are brought to the classes of the model by name, so the data may have fewer of them. Images ' +
    'that cannot be read are left out and named.',
  groups: [
    {
      title: 'Input and output',
      flags: {
        ...CLASSIFIER_FLAGS,
        data: PATHS.data,
        labels: LABELLED_DATA_FLAGS.labels,
        output: { type: 'string', default: null, optional: true, doc: 'Write the result there, as JSON' },
        picture: {
          type: 'string',
          default: null,
          optional: true,
          doc: 'Draw the confusion matrix there, .svg or .png',
        },
        json: { type: 'boolean', default: false, doc: 'Print the result as JSON' },
        device: PATHS.device,
      },
    },
    { title: 'Images', flags: pick(evaluateSchema, Object.keys(preprocessingSchema)) },
    { title: 'Machine and loading', flags: pick(evaluateSchema, ['loss', ...Object.keys(scoringSchema)]) },
  ],
  examples: [
    {
      what: 'a fine-tuned model on a folder of class folders, with a picture of its mistakes',
      line: 'beit evaluate --model runs/photos --data photos/val --picture confusion.svg',
    },
    {
      what: "ImageNet's way for 224 pixels, from a downloaded checkpoint",
      line:
        'beit evaluate --model beit_base_patch16_224_pt22k_ft22kto1k.pth --data imagenet/val ' +
        '--labels val.csv --crop-share 0.875',
    },
  ],
  async run(call) {
    const { values } = call
    checkPicture(values.picture)
    await prepareOutputs({ '--output': values.output, '--picture': values.picture })
    using interrupt = new Interrupt('stopping; Ctrl-C again ends at once')
    using model = await openClassifier(values)
    const source = await openImages(values.data as string)
    const labels = values.labels as string | null | undefined
    const data = labels == null ? source : await labelled(source, { labels, classes: model.labels })
    using status = new StatusLine(
      ({ images, of }: EvaluationProgress) => `evaluated ${grouped(images)}/${grouped(of)}`,
    )
    try {
      const result = await evaluate({
        ...(pickValues(
          values,
          Object.keys(omit(evaluateSchema, ['model', 'data'])),
        ) as Partial<EvaluateOptions>),
        ...{ model, data, signal: interrupt.signal, onProgress: status.update },
      })
      status.clear()
      await tell(call, result)
      return EXIT.ok
    } catch (error) {
      if (interrupt.signal.aborted && error === interrupt.signal.reason) return interrupt.code
      throw error
    }
  },
}

function checkPicture(picture: unknown): void {
  if (picture != null && !/\.(svg|png)$/i.test(picture as string)) {
    throw invalidArgument('--picture', 'a path that ends in .svg or .png', picture)
  }
}

/** Prints the result, and writes it where it is wanted. */
async function tell({ values }: Call, result: ClassificationEvaluation): Promise<void> {
  const { broken, multiLabel } = result
  tellLeftOut(broken)
  if (values.json === true) printJson(result)
  else print(evaluationTable(result))
  const told: string[] = []
  if (values.output != null) {
    await writeJson('--output', values.output as string, result)
    told.push(`result: ${shown(values.output as string)}`)
  }
  if (values.picture != null && multiLabel === null) {
    await (await drawConfusion(result)).save(values.picture as string)
    told.push(`picture: ${shown(values.picture as string)}`)
  }
  if (values.picture != null && multiLabel !== null) {
    console.error('no picture: images of several classes have no confusion matrix')
  }
  if (values.json !== true && told.length > 0) print(['', ...told])
}
